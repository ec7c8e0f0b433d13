"""What is sent to whoever wants to hear that a task has ended."""
