"""Tests of infra/terraform that need no Terraform; its own are in infra/terraform/tests."""
