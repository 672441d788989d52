# nothing yet

# set -x
