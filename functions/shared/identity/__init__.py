"""Who is calling: the one place where claims become a `Principal` and text becomes a `WorkspaceId`.

`principal` and `workspace` are pure and import nothing that is slow; `authenticate` reads the request's headers,
`tokens` makes what we issue, `signing` has it signed.
"""

from functions.shared.identity.principal import SCOPES, Caller, Principal, Role
from functions.shared.identity.workspace import WorkspaceId

__all__ = ["SCOPES", "Caller", "Principal", "Role", "WorkspaceId"]
