"""AgentHub in containers: one Dockerfile, a local stack by Compose, and a Kubernetes kustomization out of the catalogue."""
