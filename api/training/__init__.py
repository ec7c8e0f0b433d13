"""How each model is fitted and measured."""
