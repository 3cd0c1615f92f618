"""Charges, ledger, invoices, payments."""
