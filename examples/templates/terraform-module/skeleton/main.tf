# ${{ values.name }}: replace this resource, which is in every terraform and makes nothing, by what the module is for.
resource "terraform_data" "this" {
  input = {
    made_by = "${{ values.name }}"
    with = {
{%- for v in values.variables %}
      ${{ v.name }} = {% if v.sensitive %}nonsensitive(sha256(jsonencode(var.${{ v.name }}))){% else %}var.${{ v.name }}{% endif %}
{%- endfor %}
    }
  }
}
