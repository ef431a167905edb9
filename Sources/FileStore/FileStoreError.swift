import Basics
import Crypto

/// Why the store did not do it.
package struct FileStoreError: Error, Sendable, CustomStringConvertible {
  package enum Kind: Sendable {
    /// There is no such file.
    case unknownFile
    /// The content has more bytes than a file may have.
    case tooLarge
    /// The place in the file that was asked for lies beyond its end.
    case beyondEnd
    /// The file to copy cannot be read.
    case unreadable
    case cancelled
    /// The store cannot be read or written, as when the disk is full.
    case unavailable
  }

  package var kind: Kind
  /// The rest of a sentence that starts with what was asked for.
  package var reason: String

  package var description: String { reason }

  static let unknownFile = FileStoreError(kind: .unknownFile, reason: "is unknown")
  static let cancelled = FileStoreError(kind: .cancelled, reason: "was cancelled")

  static func tooLarge(maximumBytes: Int) -> FileStoreError {
    FileStoreError(
      kind: .tooLarge, reason: "has more bytes than a file may have: \(maximumBytes)")
  }

  static func beyondEnd(size: Int) -> FileStoreError {
    FileStoreError(kind: .beyondEnd, reason: "lies beyond the end: the file has \(size) bytes")
  }

  static func unreadable(_ error: FileError) -> FileStoreError {
    FileStoreError(kind: .unreadable, reason: "cannot be read: \(error.reason)")
  }

  static func unavailable(_ error: FileError) -> FileStoreError {
    FileStoreError(
      kind: .unavailable, reason: "The file store cannot be used: \(error.path): \(error.reason).")
  }

  static func unavailable(_ error: CryptoError) -> FileStoreError {
    FileStoreError(
      kind: .unavailable, reason: "The file store needs libcrypto: \(error.reason).")
  }
}
