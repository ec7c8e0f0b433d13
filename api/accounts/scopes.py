"""What a token may be good for."""

READ = "tasks:read"
WRITE = "tasks:write"
SCOPES = {READ: "See your tasks, their input and their results.", WRITE: "Make, cancel and remove tasks."}
