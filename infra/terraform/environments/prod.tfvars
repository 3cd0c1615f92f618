# What customers use: nox -s deploy -- prod --project PROJECT
# Set besides, in infra/terraform/terraform.tfvars or a file of your own beside it (NAME.auto.tfvars): alerts.emails, budget, seller, and cdn_domain if you have one.
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
