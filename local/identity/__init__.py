"""Google's identity services on a laptop: Identity Toolkit, secure tokens, OAuth for service accounts, IAM Credentials.

One server plays several hosts; like Firebase's emulator it has the host as the first part of the path
(`/identitytoolkit.googleapis.com/v1/accounts:signUp`).
"""
