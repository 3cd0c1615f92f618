"""The whole platform as its users meet it: over HTTP and in a browser, against a running stack."""
