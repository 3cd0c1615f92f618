"""Widgets: theme, embed code and visitor sessions."""
