"""What is said of the marks: pages of feedback, the summary of a class, its gradebook."""
