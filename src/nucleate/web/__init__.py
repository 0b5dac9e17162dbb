"""A local page over everything that nucleate writes: a server for this machine only, and its built front end."""
