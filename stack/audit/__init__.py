"""What we are made of: packages pinned by hash, under licences that we may use, listed for who must know.

`pins` reads the requirement files, `licences` is what is allowed, `servers` lists what the servers are made of. Nothing
of it asks the network, unless told to look for known vulnerabilities.
"""
