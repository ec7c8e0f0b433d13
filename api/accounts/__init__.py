"""Who may ask for tasks: accounts, passwords, tokens."""
