import Basics
import Crypto

/// Why an operation of the store failed.
package struct FileStoreError: Error, Sendable, CustomStringConvertible {
  package enum Kind: Sendable {
    /// No file has that id.
    case unknownFile
    /// The content is larger than the limit.
    case tooLarge
    /// The offset is larger than the file.
    case beyondEnd
    /// The file to copy cannot be read.
    case unreadable
    /// The file to copy is not below a directory that callers may read.
    case forbidden
    case cancelled
    /// The store cannot be read or written, for example because the disk is full.
    case unavailable
  }

  package var kind: Kind
  /// A predicate; the subject is the file. For `unavailable`, a full sentence.
  package var reason: String

  package var description: String { reason }

  static let unknownFile = FileStoreError(kind: .unknownFile, reason: "is unknown")
  static let cancelled = FileStoreError(kind: .cancelled, reason: "was cancelled")

  static func tooLarge(maximumBytes: Int) -> FileStoreError {
    FileStoreError(
      kind: .tooLarge, reason: "is larger than the limit of \(maximumBytes) bytes")
  }

  static func beyondEnd(size: Int) -> FileStoreError {
    FileStoreError(kind: .beyondEnd, reason: "is beyond the end; the file has \(size) bytes")
  }

  static func unreadable(
    _ failure: ReadableDirectory.Failure, _ path: String
  ) -> FileStoreError {
    switch failure {
    case .outside:
      FileStoreError(
        kind: .forbidden, reason: "is not below a directory that callers may read")
    case .system(let code): .unreadable(FileError(path: path, code: code))
    }
  }

  static func unreadable(_ error: FileError) -> FileStoreError {
    FileStoreError(kind: .unreadable, reason: "cannot be read: \(error.reason)")
  }

  static func unavailable(_ error: FileError) -> FileStoreError {
    FileStoreError(
      kind: .unavailable, reason: "The file store is unavailable: \(error.path): \(error.reason).")
  }

  static func unavailable(_ error: CryptoError) -> FileStoreError {
    FileStoreError(
      kind: .unavailable, reason: "The file store needs libcrypto: \(error.reason).")
  }
}
