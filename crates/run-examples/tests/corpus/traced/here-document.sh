set -x
hello World <<END
three in a document
END
hello again
