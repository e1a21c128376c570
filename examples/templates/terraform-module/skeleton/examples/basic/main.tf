module "this" {
  source = "../.."
{%- for v in values.variables %}
  ${{ v.name }} = {% if v.type === 'string' %}"example"{% elif v.type === 'number' %}1{% elif v.type === 'bool' %}true{% elif v.type === 'list(string)' %}["example"]{% else %}{ example = "yes" }{% endif %}
{%- endfor %}
}

output "id" {
  value = module.this.id
}
