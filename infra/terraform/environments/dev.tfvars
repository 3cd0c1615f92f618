# A small installation to try things on: nox -s deploy -- dev --project PROJECT
environment = "dev"
keep_data   = false

archive = {
  retention_days = 0
}

console_origins = ["http://localhost:8000"]

limits = {
  agents-chat = { max_instances = 3 }
}

logs = {
  keep_requests  = true
  retention_days = 7
}
