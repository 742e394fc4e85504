"""A shot for a model: what it is given decides the task, the model's rules decide what is legal."""
