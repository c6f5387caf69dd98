"""Prints two hourly series of so many values as CSV: a day, a week, and noise without chance."""

import sys
from datetime import datetime, timedelta

hours = int(sys.argv[1])
print("unique_id,ds,y")
for name, level in (("north", 900), ("south", 20)):
    for hour in range(hours):
        time = datetime(2024, 1, 1) + timedelta(hours=hour)
        day, week = hour % 24 * (24 - hour % 24), hour % 168
        noise = (hour * hour * 7919 + hour * 104729 + level) % 97
        print(f"{name},{time},{level * (1 + day / 300 + week / 500 + noise / 400)}")
