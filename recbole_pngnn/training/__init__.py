"""A training that survives a kill: what is kept of it after every epoch, and how it goes on."""
