@testable import Crypto

/// Keys as users paste them.
enum Keys {
  static func run(_ input: UnsafeBufferPointer<UInt8>) {
    let text = input.text
    do throws(KeyError) {
      let blocks = try PEM.blocks(in: text)
      check(!blocks.isEmpty, "no block and no error")
      for block in blocks {
        if let der = try? block.der() { check(der.count <= input.count, "more DER than text") }
      }
    } catch {
      check(error.kind == .notPEM || error.kind == .truncated, "\(error)")
    }
    let message = Array("message".utf8)
    do throws(KeyError) {
      let key = try RSAPrivateKey(pem: text)
      guard let signature = try? key.sign(message) else { fatalError("a key does not sign") }
      check((try? key.publicKey.verify(signature, of: message)) == true, "a wrong signature")
    } catch {
      check(!error.description.isEmpty, "an error without a reason")
    }
    if let key = try? RSAPublicKey(pem: text) { _ = try? key.verify(message, of: message) }
  }
}
