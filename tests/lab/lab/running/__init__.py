"""What really runs: tasks, services, images, load balancers, databases, and who reaches whom."""
