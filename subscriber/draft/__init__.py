"""The first pipeline file for a topic and a model: `guess` says what is meant, `write` makes TOML of it."""
