import Basics
import Crypto

/// The digests of the content of a file.
///
/// MD5 takes about as long as the two others together, so it runs in parallel with them on large pieces.
struct FileDigests: ~Copyable {
  /// Smaller pieces are not worth the two wakes of a thread.
  private static let parallelBytes = 256 * 1_024

  private let md5: BackgroundDigest
  private var sha1: Digest
  private var sha256: Digest

  init() throws(CryptoError) {
    let md5 = BackgroundDigest(try Digest(.md5))
    let sha1 = try Digest(.sha1)
    let sha256 = try Digest(.sha256)
    self.md5 = md5
    self.sha1 = sha1
    self.sha256 = sha256
  }

  mutating func update(_ bytes: UnsafeRawBufferPointer) throws(CryptoError) {
    guard bytes.count >= Self.parallelBytes else {
      try md5.update(bytes)
      try sha1.update(bytes)
      try sha256.update(bytes)
      return
    }
    md5.startUpdate(bytes)
    // The bytes are valid only during this call.
    let outcome = Result { () throws(CryptoError) in
      try sha1.update(bytes)
      try sha256.update(bytes)
    }
    try md5.endUpdate()
    try outcome.get()
  }

  /// The digests in lower-case hexadecimal digits. Ends them.
  consuming func hex() throws(CryptoError) -> (md5: String, sha1: String, sha256: String) {
    (try md5.hex(), try sha1.hex(), try sha256.hex())
  }
}

/// A digest that another thread can update, one piece at a time.
private final class BackgroundDigest: @unchecked Sendable {
  // @unchecked: between `startUpdate` and `endUpdate` only the lane accesses `digest`, otherwise only
  // the owner.
  private static let lane = BlockingWork.digests

  private var digest: Digest?
  private let outcome = Monitor<Result<Void, CryptoError>?>(nil)

  init(_ digest: consuming Digest) { self.digest = consume digest }

  func update(_ bytes: UnsafeRawBufferPointer) throws(CryptoError) { try digest?.update(bytes) }

  /// - Parameter bytes: valid until `endUpdate` returns.
  func startUpdate(_ bytes: UnsafeRawBufferPointer) {
    nonisolated(unsafe) let bytes = bytes
    Self.lane.submit { [self] in
      let result = Result { () throws(CryptoError) in try update(bytes) }
      outcome.withLock { $0 = result }
      outcome.notify()
    }
  }

  /// Blocks until the update is done.
  func endUpdate() throws(CryptoError) {
    let result = outcome.wait { $0.take() }
    try result?.get()
  }

  /// Ends the digest.
  func hex() throws(CryptoError) -> String {
    guard let digest = digest.take() else { preconditionFailure("a digest that has ended") }
    return try digest.hex()
  }
}
