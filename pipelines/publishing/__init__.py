"""Tables of a workspace kept equal in a database: new rows inserted, changed ones replaced, vanished ones removed."""
