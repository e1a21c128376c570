output "id" {
  description = "The id of what the module made"
  value       = terraform_data.this.id
}
