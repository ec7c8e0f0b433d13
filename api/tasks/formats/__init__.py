"""Reading a task's input into chunks, and writing its rows, in each format that is taken and given."""
