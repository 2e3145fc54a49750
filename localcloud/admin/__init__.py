"""The admin surface, `/_localcloud/`: to look at the local cloud, to move its time and to make it misbehave."""
