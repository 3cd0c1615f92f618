"""The console in Chromium, through the gateway, on the real local engines."""
