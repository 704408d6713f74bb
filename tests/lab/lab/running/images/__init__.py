"""Images: the registry they are pushed to, and how they are unpacked."""
