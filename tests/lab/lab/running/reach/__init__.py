"""Who reaches whom: security groups, routes, gates before servers."""
