/* One video node for a test, laid over the C library by LD_PRELOAD: whatever opens a file that ends
 * in "Written_in_C-video-index0" gets memory that answers Video4Linux requests. Frames are YUYV of
 * 64x64, each brighter than the one before. Brightness 255 pulls the cable. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { WIDTH = 64, HEIGHT = 64, SLOT = 65536, SLOTS = 4 };

static int node = -1, queued[SLOTS], waiting, streaming, brightness = 12;
static unsigned sequence;
static unsigned char *memory;

static int open_node(void)
{
    node = memfd_create("node", MFD_CLOEXEC);
    if (node < 0 || ftruncate(node, SLOT * SLOTS))
        return -1;
    memory = mmap(0, SLOT * SLOTS, PROT_READ | PROT_WRITE, MAP_SHARED, node, 0);
    return node;
}

static int is_ours(const char *path)
{
    const char *end = "Written_in_C-video-index0";
    size_t length = strlen(path), wanted = strlen(end);
    return length >= wanted && !strcmp(path + length - wanted, end);
}

int open(const char *path, int flags, ...)
{
    va_list more;
    va_start(more, flags);
    int mode = va_arg(more, int);
    va_end(more);
    if (is_ours(path))
        return open_node();
    int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, "open");
    return real(path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    va_list more;
    va_start(more, flags);
    int mode = va_arg(more, int);
    va_end(more);
    if (is_ours(path))
        return open_node();
    int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, "open64");
    return real(path, flags, mode);
}

static int refuse(int code)
{
    errno = code;
    return -1;
}

static int describe(unsigned long request, void *answer)
{
    if (request == VIDIOC_QUERYCAP) {
        struct v4l2_capability *out = answer;
        memset(out, 0, sizeof *out);
        strcpy((char *)out->driver, "test");
        strcpy((char *)out->card, "Written in C");
        out->capabilities = V4L2_CAP_DEVICE_CAPS;
        out->device_caps = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;
        return 0;
    }
    if (request == VIDIOC_ENUM_FMT) {
        struct v4l2_fmtdesc *out = answer;
        if (out->index)
            return refuse(EINVAL);
        out->pixelformat = V4L2_PIX_FMT_YUYV;
        return 0;
    }
    if (request == VIDIOC_ENUM_FRAMESIZES) {
        struct v4l2_frmsizeenum *out = answer;
        if (out->index || out->pixel_format != V4L2_PIX_FMT_YUYV)
            return refuse(EINVAL);
        out->type = V4L2_FRMSIZE_TYPE_DISCRETE;
        out->discrete.width = WIDTH;
        out->discrete.height = HEIGHT;
        return 0;
    }
    if (request == VIDIOC_ENUM_FRAMEINTERVALS) {
        struct v4l2_frmivalenum *out = answer;
        if (out->index || out->width != WIDTH || out->height != HEIGHT)
            return refuse(EINVAL);
        out->type = V4L2_FRMIVAL_TYPE_DISCRETE;
        out->discrete.numerator = 1;
        out->discrete.denominator = 25;
        return 0;
    }
    if (request == VIDIOC_S_FMT) {
        struct v4l2_format *out = answer;
        if (out->type != V4L2_BUF_TYPE_VIDEO_CAPTURE)
            return refuse(EINVAL);
        out->fmt.pix.width = WIDTH;
        out->fmt.pix.height = HEIGHT;
        out->fmt.pix.pixelformat = V4L2_PIX_FMT_YUYV;
        out->fmt.pix.bytesperline = WIDTH * 2;
        out->fmt.pix.sizeimage = WIDTH * HEIGHT * 2;
        return 0;
    }
    if (request == VIDIOC_S_PARM) {
        struct v4l2_streamparm *out = answer;
        out->parm.capture.timeperframe.numerator = 1;
        out->parm.capture.timeperframe.denominator = 25;
        return 0;
    }
    return refuse(ENOTTY);
}

static int control(unsigned long request, void *answer)
{
    if (request == VIDIOC_QUERYCTRL) {
        struct v4l2_queryctrl *out = answer;
        if (out->id != V4L2_CID_BRIGHTNESS)
            return refuse(EINVAL);
        out->type = V4L2_CTRL_TYPE_INTEGER;
        strcpy((char *)out->name, "Brightness");
        out->minimum = 0;
        out->maximum = 255;
        out->step = 1;
        out->default_value = 128;
        out->flags = 0;
        return 0;
    }
    struct v4l2_control *out = answer;
    if (out->id != V4L2_CID_BRIGHTNESS)
        return refuse(EINVAL);
    if (request == VIDIOC_S_CTRL)
        brightness = out->value;
    out->value = brightness;
    return 0;
}

static int buffer(unsigned long request, struct v4l2_buffer *out)
{
    if (out->type != V4L2_BUF_TYPE_VIDEO_CAPTURE || out->memory != V4L2_MEMORY_MMAP)
        return refuse(EINVAL);
    if (request == VIDIOC_QUERYBUF) {
        out->length = SLOT;
        out->m.offset = out->index * SLOT;
        return 0;
    }
    if (request == VIDIOC_QBUF) {
        queued[waiting++] = out->index;
        return 0;
    }
    if (!streaming || !waiting)
        return refuse(EAGAIN);
    /* The memory is always ready to read: the pace of a sensor is kept here. */
    usleep(20000);
    int index = queued[0];
    memmove(queued, queued + 1, --waiting * sizeof queued[0]);
    for (int at = 0; at < WIDTH * HEIGHT * 2; at += 2) {
        memory[index * SLOT + at] = 40 + sequence % 180;
        memory[index * SLOT + at + 1] = 128;
    }
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    out->index = index;
    out->bytesused = WIDTH * HEIGHT * 2;
    out->flags = V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC;
    out->timestamp.tv_sec = now.tv_sec;
    out->timestamp.tv_usec = now.tv_nsec / 1000;
    out->sequence = sequence++;
    out->length = SLOT;
    return 0;
}

int ioctl(int descriptor, unsigned long request, ...)
{
    va_list more;
    va_start(more, request);
    void *answer = va_arg(more, void *);
    va_end(more);
    if (descriptor != node || node < 0) {
        int (*real)(int, unsigned long, ...) = dlsym(RTLD_NEXT, "ioctl");
        return real(descriptor, request, answer);
    }
    /* Python hands the number over as a signed int. */
    request &= 0xffffffffUL;
    if (brightness == 255)
        return refuse(ENODEV);
    switch (request) {
    case VIDIOC_QUERYCTRL:
    case VIDIOC_G_CTRL:
    case VIDIOC_S_CTRL:
        return control(request, answer);
    case VIDIOC_QUERYBUF:
    case VIDIOC_QBUF:
    case VIDIOC_DQBUF:
        return buffer(request, answer);
    case VIDIOC_REQBUFS:
        waiting = 0;
        ((struct v4l2_requestbuffers *)answer)->count = SLOTS;
        return 0;
    case VIDIOC_STREAMON:
    case VIDIOC_STREAMOFF:
        streaming = request == VIDIOC_STREAMON;
        return 0;
    }
    return describe(request, answer);
}
