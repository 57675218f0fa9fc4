// Package house holds, in its tests, what the compiler does not: who may import whom, how packages
// are named, how long a file is, how large and how quick the programs are, and what go.mod says of itself.
package house
