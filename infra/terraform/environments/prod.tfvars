# What customers use: terraform apply -var-file=environments/prod.tfvars -var project_id=PROJECT
# Set besides, in a file of your own: alerts.emails, budget, seller, and cdn_domain if you have one.
environment = "prod"
keep_data   = true

archive = {
  retention_days = 3650
}

firestore = {
  backup_days = 35
}

logs = {
  retention_days = 90
}
