package main

import (
	"strings"
	"unicode"
)

// packageNames are the packages whose name is not the id without underscores.
var packageNames = map[string]string{
	"bitdefender_gravityzone": "gravityzone",
	"coda_footprint":          "coda",
}

func packageName(id string) string {
	if name, ok := packageNames[id]; ok {
		return name
	}
	return strings.ReplaceAll(id, "_", "")
}

// initialisms are written in capitals, as in Go.
var initialisms = map[string]string{
	"api": "API", "aws": "AWS", "html": "HTML", "id": "ID", "ids": "IDs", "ip": "IP", "json": "JSON",
	"mac": "MAC", "md5": "MD5", "sha256": "SHA256", "url": "URL", "csv": "CSV", "pdf": "PDF",
}

// goName is the exported name for scan_type, scanType or top_10.
func goName(id string) string {
	var name strings.Builder
	for _, word := range words(id) {
		if initialism, ok := initialisms[strings.ToLower(word)]; ok {
			name.WriteString(initialism)
		} else {
			name.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	return name.String()
}

// words splits at characters that are not letters or digits, and before capitals.
func words(id string) []string {
	var words []string
	start := 0
	end := func(at int) {
		if at > start {
			words = append(words, id[start:at])
		}
	}
	for at, letter := range id {
		switch {
		case letter > unicode.MaxASCII || !unicode.IsLetter(letter) && !unicode.IsDigit(letter):
			end(at)
			start = at + len(string(letter))
		case unicode.IsUpper(letter) && at > 0 && unicode.IsLower(rune(id[at-1])):
			end(at)
			start = at
		}
	}
	end(len(id))
	return words
}

// inSentence returns a description that continues after a name: "Lists …" becomes "lists …".
func inSentence(text string) string {
	if len(text) > 1 && unicode.IsUpper(rune(text[0])) && !unicode.IsUpper(rune(text[1])) {
		return strings.ToLower(text[:1]) + text[1:]
	}
	return text
}

// comment wraps a text into comment lines.
func comment(indent, text string) string {
	var lines strings.Builder
	line := indent + "//"
	for _, word := range strings.Fields(text) {
		if len(line)+1+len(word) > 100 && line != indent+"//" {
			lines.WriteString(line + "\n")
			line = indent + "//"
		}
		line += " " + word
	}
	lines.WriteString(line + "\n")
	return lines.String()
}
