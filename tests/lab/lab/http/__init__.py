"""What speaks HTTP and carries requests: the server, who may come in, faults, the journal, errors."""
