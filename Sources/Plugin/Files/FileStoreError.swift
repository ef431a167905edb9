import Basics
import Crypto

/// Why the store did not do it.
public struct FileStoreError: Error, Sendable, CustomStringConvertible {
  public enum Kind: Sendable {
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

  public var kind: Kind
  /// The rest of a sentence that starts with what was asked for.
  public var reason: String

  public var description: String { reason }

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

extension CommandError {
  /// The failure of a command that needed the file.
  ///
  /// - Parameter what: what was asked for, such as `The file 4711`.
  public init(_ error: FileStoreError, of what: String) {
    switch error.kind {
    case .unknownFile: self.init(.notFound, "\(what) \(error.reason).")
    case .tooLarge, .beyondEnd, .unreadable: self.init(.validation, "\(what) \(error.reason).")
    case .cancelled: self = .cancelled(outcome: .notApplied)
    case .unavailable:
      self.init(
        .unavailable, error.reason,
        remedy: "Look after the disk, or give another directory with --files-dir.")
    }
  }
}
