{%- for v in values.variables -%}
variable "${{ v.name }}" {
  description = ${{ (v.description or v.name) | dump | replace('${', '$${') | replace('%{', '%%{') }}
  type        = ${{ v.type }}
{%- if v.sensitive %}
  sensitive   = true
{%- endif %}
}
{% endfor -%}
