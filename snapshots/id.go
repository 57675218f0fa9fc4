package snapshots

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"time"
)

// NewID makes the id of a snapshot opened at a time: "20261123T091500Z-3f9a0c". Ids sort by time;
// entropy keeps those of the same second apart. The same arguments give the same id.
func NewID(at time.Time, entropy string) string {
	return at.UTC().Format("20060102T150405Z") + "-" + digest(entropy)[:6]
}

// CoverageHash is the fingerprint of a set of resource ids, in whatever order they come.
func CoverageHash(ids []string) string {
	return digest(slices.Sorted(slices.Values(ids))...)
}

// digest is the SHA-256 of texts, with their lengths, in hexadecimal.
func digest(texts ...string) string {
	hash := sha256.New()
	for _, text := range texts {
		hash.Write(binary.BigEndian.AppendUint64(nil, uint64(len(text))))
		hash.Write([]byte(text))
	}
	return hex.EncodeToString(hash.Sum(nil))
}
