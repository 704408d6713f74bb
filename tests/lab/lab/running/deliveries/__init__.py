"""What AWS's services hand to queues, topics and log groups, and whether these let them."""
