//go:build tools

// Package toxiproxy names the program that tests/support/toxiproxy.py builds, so that its version is pinned.
package toxiproxy

import _ "github.com/Shopify/toxiproxy/v2/cmd/server"
