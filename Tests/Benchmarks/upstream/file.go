package main

import (
	"archive/zip"
	"bytes"
)

// fileBytes returns content that does not compress and is the same in every run (xorshift64).
func fileBytes(count int) []byte {
	content := make([]byte, count)
	state := uint64(20261120)
	for i := range content {
		state ^= state << 13
		state ^= state >> 7
		state ^= state << 17
		content[i] = byte(state)
	}
	return content
}

// archive returns a ZIP archive with one uncompressed member: hosts may reject other content as a
// report.
func archive(content []byte) ([]byte, error) {
	var buffer bytes.Buffer
	writer := zip.NewWriter(&buffer)
	member, err := writer.CreateHeader(&zip.FileHeader{Name: "report.csv", Method: zip.Store})
	if err != nil {
		return nil, err
	}
	if _, err := member.Write(content); err != nil {
		return nil, err
	}
	if err := writer.Close(); err != nil {
		return nil, err
	}
	return buffer.Bytes(), nil
}
