import Basics
import Crypto

/// Writes and hashes a file. The file is invisible until it is finished.
struct FileWriter: ~Copyable {
  /// Size and digests of the complete content.
  struct Content {
    let size: Int
    let md5: String
    let sha1: String
    let sha256: String
  }

  private let file: OpenFile
  private let maximumBytes: Int
  private var md5: Digest
  private var sha1: Digest
  private var sha256: Digest
  private var size = 0

  init(_ name: String, in directory: StoreDirectory, maximumBytes: Int) throws(FileStoreError) {
    let md5 = try Self.digest(.md5)
    let sha1 = try Self.digest(.sha1)
    let sha256 = try Self.digest(.sha256)
    let file: OpenFile
    do throws(FileError) {
      file = try directory.create(name)
    } catch {
      throw .unavailable(error)
    }
    self.file = file
    self.md5 = md5
    self.sha1 = sha1
    self.sha256 = sha256
    self.maximumBytes = maximumBytes
  }

  private static func digest(_ algorithm: Digest.Algorithm) throws(FileStoreError) -> Digest {
    do throws(CryptoError) {
      return try Digest(algorithm)
    } catch {
      throw .unavailable(error)
    }
  }

  mutating func append(_ bytes: UnsafeRawBufferPointer) throws(FileStoreError) {
    guard bytes.count <= maximumBytes - size else { throw .tooLarge(maximumBytes: maximumBytes) }
    do throws(CryptoError) {
      try md5.update(bytes)
      try sha1.update(bytes)
      try sha256.update(bytes)
    } catch {
      throw .unavailable(error)
    }
    do throws(FileError) {
      try file.write(bytes)
    } catch {
      throw .unavailable(error)
    }
    size += bytes.count
  }

  /// - Parameter durably: whether the content must survive a power failure.
  consuming func finish(durably: Bool) throws(FileStoreError) -> Content {
    do throws(FileError) {
      if durably { try file.sync() }
    } catch {
      throw .unavailable(error)
    }
    do throws(CryptoError) {
      return Content(
        size: size, md5: try md5.hex(), sha1: try sha1.hex(), sha256: try sha256.hex())
    } catch {
      throw .unavailable(error)
    }
  }
}
