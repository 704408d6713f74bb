"""What a call asks for, as IAM names it: actions, and the resources that they are on."""
