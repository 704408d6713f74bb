"""What goes across services: patching, pages, tokens, tags, interfaces, permissions."""
