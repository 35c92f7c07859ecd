"""What makes a result checkable: the environment, the record of a run, published results."""
