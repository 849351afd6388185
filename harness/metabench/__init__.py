"""metabench: a referee for few-shot learning."""
