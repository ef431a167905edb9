néw"
