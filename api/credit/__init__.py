"""The credit model's endpoints: one application in, a decision, a probability or a risk category out."""
