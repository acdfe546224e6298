"""What the authors and operators of computations use; nothing of it is deployed."""
